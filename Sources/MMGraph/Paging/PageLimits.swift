/// Limits on how much of a collection is read.
public struct PageLimits: Sendable, Hashable {
    /// The maximum number of items in total; the page that exceeds it is truncated. `nil` for all.
    public var items: Int?
    /// The maximum number of pages.
    public var pages: Int

    /// Creates limits.
    /// - Parameters:
    ///   - items: the maximum number of items in total; `nil` for all.
    ///   - pages: the maximum number of pages, as a safeguard against services that never end.
    public init(items: Int? = nil, pages: Int = 100_000) {
        self.items = items
        self.pages = pages
    }
}
