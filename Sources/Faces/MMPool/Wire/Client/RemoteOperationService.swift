public import MMCore
import MMHTTP
public import MMOperations

/// Has operations carried out by a pool in another process, with the same answers and errors as in this one.
///
/// Questions to a person and pending sign-ins are shown on this side. Cancelling the call's task cancels the call in
/// the pool.
public struct RemoteOperationService: OperationService {
    /// All operations; a pool of another version may know fewer.
    public let catalogue: Catalogue
    private let pool: PoolClient
    private let carriesToken: Bool

    /// Creates a service for the pool at an address. It connects with the first call.
    /// - Parameters:
    ///   - pool: the pool's address.
    ///   - environment: the environment of the process, for proxies and certificates.
    public init(pool: PoolAddress, environment: [String: String]) {
        let transport = HTTPClient(configuration: HTTPClientConfiguration(environment: environment))
        self.init(PoolClient(pool, transport: transport))
    }

    /// Creates a service for a pool.
    /// - Parameter carriesToken: whether callers' access tokens go along; `nil`: only to a socket.
    package init(_ pool: PoolClient, catalogue: Catalogue = .standard, carriesToken: Bool? = nil) {
        self.carriesToken = carriesToken ?? pool.address.isSocket
        self.pool = pool
        self.catalogue = catalogue
    }

    /// Carries out one operation.
    /// - Throws: the operation's error; `unavailable` with the detail `pool` when there is no pool or it disappears.
    public func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext)
        async throws(MMError) -> OperationAnswer
    {
        let name = operation.declaration.name
        var headers: HTTPHeaders = ["Content-Type": "application/json", "Accept": "text/event-stream"]
        TermHeaders.write(context, to: &headers, carriesToken: carriesToken)
        let request = pool.request(
            "POST", "/v1/operations/\(name)", headers: headers, body: JSONWriter.bytes(.object(arguments)))
        let stream = try await pool.open(request, during: name)
        guard stream.status == 200, stream.headers["Content-Type"]?.hasPrefix("text/event-stream") == true else {
            throw await PoolFailure.refusal(stream, pool.address, during: name)
        }
        return try await RemoteCall(name, CallEvents(stream.chunks), context, pool).answer()
    }

    /// Asks the pool to end what only this client can reach. A pool that can't be reached any more does so on its own
    /// schedule.
    public func forget(_ client: CallContext) async {
        guard client.sessionID != nil else { return }
        var headers: HTTPHeaders = ["Accept": "application/json"]
        TermHeaders.write(client, to: &headers)
        var request = pool.request("DELETE", "/v1/jobs", headers: headers)
        request.timeout = .seconds(5)
        _ = try? await pool.send(request, during: "saying goodbye")
    }
}
