// Nothing: whoever builds this target builds `mm` and `mm-sandbox` in one plan, so that rooms of the one are compiled beside
// those of the other, and not after them.
