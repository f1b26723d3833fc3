public import MMCore
import MMHTTP
import MMOperations
import MMSystem

/// The pool of this user: the sessions and sign-ins that `mm`, `mm-mcp` and programs share.
///
/// ```swift
/// let pool = try await UserPool().started()
/// let service = RemoteOperationService(pool: pool, environment: ProcessEnvironment.read())
/// ```
public struct UserPool: Sendable {
    private let environment: [String: String]

    /// The pool of an environment: one for each set of registry, tokens, state and logs. Whoever wants one that is apart from the
    /// user's gives it a `HOME` of its own.
    /// - Parameter environment: of this process; a pool that is started gets it.
    public init(environment: [String: String] = ProcessEnvironment.read()) {
        self.environment = environment
    }

    /// Where the pool that runs listens; `nil` where none does.
    /// - Throws: `.invalidInput` for an address in `MM_SESSION_POOL_URL` that is none.
    public func running() async throws(MMError) -> PoolAddress? {
        if let named = try named() { return named }
        return try await PoolFinder(environment: environment).running()?.client.address
    }

    /// Where the pool listens, which is started where there is none: `MM_SESSION_POOL_URL` names one elsewhere, `MM_PROGRAM` the `mm`
    /// that starts one here; else it is the first of the search path.
    /// - Throws: `.unavailable` where there is no `mm`, or no pool comes up.
    public func started() async throws(MMError) -> PoolAddress {
        if let address = try await running() { return address }
        let wanted = environment["MM_PROGRAM"].flatMap { $0.isEmpty ? nil : $0 } ?? "mm"
        guard let program = ExecutableSearch.find(wanted, path: environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin")
        else {
            throw MMError(
                .unavailable, "No pool runs, and there is no program “\(wanted)” to start one.",
                hint: "Install mm, name it with MM_PROGRAM, or start the pool yourself: mm pool start.",
                details: ["pool": "none"])
        }
        return try await PoolFinder(environment: environment, program: program).started().client.address
    }

    private func named() throws(MMError) -> PoolAddress? {
        guard let url = environment["MM_SESSION_POOL_URL"], !url.isEmpty else { return nil }
        return try PoolAddress(
            url: url, bearer: try PoolAddress.bearer(environment: environment),
            trustsNetwork: PoolAddress.trustsNetwork(environment: environment))
    }
}
