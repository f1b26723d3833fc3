/// How much one caller may ask for, so that nobody takes a server that many share for himself.
package struct CallLimits: Sendable, Hashable {
    /// The maximum number of tool calls that one caller may begin within a minute; `nil` for any number.
    package var perMinute: Int?
    /// The maximum number of tool calls of one caller that run at the same time; `nil` for any number.
    package var atOnce: Int?

    /// Creates limits.
    package init(perMinute: Int? = nil, atOnce: Int? = nil) {
        self.perMinute = perMinute
        self.atOnce = atOnce
    }
}
