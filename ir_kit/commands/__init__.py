"""The commands of the command line, a module each subject; `ir_kit.cli` lists them."""
