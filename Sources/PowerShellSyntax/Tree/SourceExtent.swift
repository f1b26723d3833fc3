/// A range of the source in UTF-16 code units, as the engine itself counts.
public struct SourceExtent: Sendable, Hashable {
    /// The first unit.
    public let start: Int
    /// The unit behind the last one; equal to ``start`` for an empty extent.
    public let end: Int

    /// A range from `start` up to but not including `end`.
    public init(start: Int, end: Int) {
        self.start = start
        self.end = end
    }

    /// The number of units.
    public var length: Int { end - start }

    /// From the start of this extent to the end of the other.
    func through(_ other: SourceExtent) -> SourceExtent { SourceExtent(start: start, end: other.end) }

    /// The empty extent behind this one.
    var after: SourceExtent { SourceExtent(start: end, end: end) }

    /// The empty extent one unit before this one.
    var before: SourceExtent { SourceExtent(start: max(0, start - 1), end: max(0, start - 1)) }
}
