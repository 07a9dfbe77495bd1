from ir_kit.domain.logic import NO, UNKNOWN, YES, all_of, any_of

__all__ = ["NO", "UNKNOWN", "YES", "all_of", "any_of"]
