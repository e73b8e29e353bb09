"""Everything that the library draws itself."""
