/// How many sessions there may be, and how long one may rest.
package struct SessionLimits: Sendable {
    /// Most sessions at once.
    package var all: Int
    /// Most sessions of one owner; `nil`: as many as there may be.
    package var ofOwner: Int?
    /// When a session that nobody uses ends.
    package var idle: Duration
    /// How long a session must have been idle before it makes room for another one.
    package var rest: Duration

    /// Limits.
    /// - Parameter rest: how long a session is safe from making room for another one.
    package init(all: Int, ofOwner: Int?, idle: Duration, rest: Duration) {
        self.all = all
        self.ofOwner = ofOwner
        self.idle = idle
        self.rest = rest
    }
}
