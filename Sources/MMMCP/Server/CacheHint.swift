import MMCore

/// How long a client of the modern era may keep an answer, and for whom.
public struct CacheHint: Sendable, Hashable {
    /// Whose answer it is.
    public enum Scope: String, Sendable, Hashable {
        /// The same for everybody.
        case `public`
        /// Only for the caller.
        case `private`
    }

    /// How long it stays good; zero means: ask every time.
    public var lifetime: Duration
    /// For whom it is good.
    public var scope: Scope

    public init(_ lifetime: Duration, _ scope: Scope) {
        self.lifetime = lifetime
        self.scope = scope
    }

    func add(to result: inout JSONObject) {
        let (seconds, attoseconds) = lifetime.components
        let milliseconds = seconds.multipliedReportingOverflow(by: 1000)
        let whole = milliseconds.overflow ? Int64.max : milliseconds.partialValue + attoseconds / 1_000_000_000_000_000
        result["ttlMs"] = .int(max(0, whole))
        result["cacheScope"] = .string(scope.rawValue)
    }
}
