/// A range of the source in UTF-16 code units, in which the engine itself counts.
package struct SourceExtent: Sendable, Hashable {
    /// The position of the first unit.
    package let start: Int
    /// The position after the last unit; equal to ``start`` for an empty extent.
    package let end: Int

    /// Creates a range from `start` up to but not including `end`.
    package init(start: Int, end: Int) {
        self.start = start
        self.end = end
    }

    /// Returns the extent from the start of this one to the end of another.
    func through(_ other: SourceExtent) -> SourceExtent { SourceExtent(start: start, end: other.end) }

    /// The empty extent after this one.
    var after: SourceExtent { SourceExtent(start: end, end: end) }

    /// The empty extent one unit before this one.
    var before: SourceExtent { SourceExtent(start: max(0, start - 1), end: max(0, start - 1)) }
}
