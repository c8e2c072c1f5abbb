"""Grids in the forms that others read: bundles that prove themselves, WMT folders, model cards' results, mteb's."""
