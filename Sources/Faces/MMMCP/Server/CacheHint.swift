import MMCore

/// How long a modern client may cache an answer, and for whom.
public struct CacheHint: Sendable, Hashable {
    /// Who may share a cached answer.
    public enum Scope: String, Sendable, Hashable {
        /// The same for everybody.
        case `public`
        /// Only for the caller.
        case `private`
    }

    /// How long the answer stays fresh; zero means that the client has to ask every time.
    public var lifetime: Duration
    /// Who may share the cached answer.
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
