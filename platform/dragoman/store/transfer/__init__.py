"""Transfer of grids between stores: export, import, scores of other tools."""
