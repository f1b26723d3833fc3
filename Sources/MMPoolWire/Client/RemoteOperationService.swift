public import MMCore
import MMHTTP
public import MMOperations

/// Has operations carried out by a pool in another process, with the same answers and errors as in this one.
///
/// Questions to a person and sign-ins that wait are shown on this side. Ending the call's task ends the call there.
public struct RemoteOperationService: OperationService {
    /// Every operation there is; a pool of another version may know fewer.
    public let catalogue: Catalogue
    private let pool: PoolClient

    /// A service behind an address. Nothing is connected before the first call.
    /// - Parameters:
    ///   - pool: where the pool is.
    ///   - environment: of the process, for proxies and certificates.
    public init(pool: PoolAddress, environment: [String: String]) {
        let transport = HTTPClient(configuration: HTTPClientConfiguration(environment: environment))
        self.init(PoolClient(pool, transport: transport))
    }

    /// A service of a pool.
    package init(_ pool: PoolClient, catalogue: Catalogue = .standard) {
        self.pool = pool
        self.catalogue = catalogue
    }

    /// Has one operation carried out.
    /// - Throws: the error of the operation; `unavailable` with the detail `pool` when there is no pool, or it goes away.
    public func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext)
        async throws(MMError) -> OperationAnswer
    {
        let name = operation.declaration.name
        var headers: HTTPHeaders = ["Content-Type": "application/json", "Accept": "text/event-stream"]
        OperationHeaders.write(context, to: &headers)
        let request = pool.request(
            "POST", "/v1/operations/\(name)", headers: headers, body: JSONWriter.bytes(.object(arguments)))
        let stream = try await pool.open(request, during: name)
        guard stream.status == 200, stream.headers["Content-Type"]?.hasPrefix("text/event-stream") == true else {
            throw await PoolFailure.refusal(stream, pool.address, during: name)
        }
        return try await RemoteCall(name, CallEvents(stream.chunks), context, pool).answer()
    }

    /// Has the pool end what only this client reaches; a pool that can't be asked any more does so in its own time.
    public func forget(_ client: CallContext) async {
        guard client.sessionID != nil else { return }
        var headers: HTTPHeaders = ["Accept": "application/json"]
        OperationHeaders.write(client, to: &headers)
        var request = pool.request("DELETE", "/v1/jobs", headers: headers)
        request.timeout = .seconds(5)
        _ = try? await pool.send(request, during: "saying goodbye")
    }
}
