/// How much of a collection is read.
public struct PageLimits: Sendable, Hashable {
    /// Most items in all; the page that goes over is cut.
    public var items: Int?
    /// Most pages.
    public var pages: Int

    /// Limits.
    /// - Parameters:
    ///   - items: most items in all; `nil` for all there are.
    ///   - pages: most pages, against services that never come to an end.
    public init(items: Int? = nil, pages: Int = 100_000) {
        self.items = items
        self.pages = pages
    }
}
