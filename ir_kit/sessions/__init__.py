"""Sessions of use, baseline behaviour, operators, labels."""
