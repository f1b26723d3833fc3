import MMCore
import MMHTTP
import MMOperations
import MMPool

/// One connection's pool, as its router asks it.
struct IsolatedPool: Sendable {
    /// The connection.
    let connection: String
    /// Where it runs.
    let site: any PoolSite

    /// Sends a request to the pool, bringing it up where needed.
    /// - Throws: `MMError` when it can't be brought up or does not answer.
    func send(_ method: String, _ path: String, _ body: JSONObject?, within limit: Duration) async throws(MMError)
        -> (status: Int, body: JSONObject)
    {
        try await reached { () async throws(MMError) in try await ask(method, path, body, within: limit) }
    }

    /// Has it carry an operation out, bringing it up where needed.
    /// - Throws: the error of the operation; `unavailable` when the pool can't be brought up or does not answer.
    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        try await reached { () async throws(MMError) in
            try await operations.call(operation, arguments, in: context)
        }
    }

    /// Has it end what a client has left.
    func forget(_ client: CallContext) async {
        guard await site.isRunning else { return }
        await operations.forget(client)
    }

    /// Asks a pool that runs; `nil` when it does not.
    func look(_ path: String) async -> JSONObject? {
        guard await site.isRunning else { return nil }
        return try? await ask("GET", path, nil, within: .seconds(5)).body
    }

    /// The metrics of a pool that runs, as Prometheus reads them; `nil` when it does not.
    func prometheus() async -> String? {
        guard await site.isRunning else { return nil }
        var request = site.client.request("GET", "/metrics", headers: ["Accept": "text/plain"])
        request.timeout = .seconds(5)
        guard let answer = try? await site.client.send(request, during: "reading metrics"), answer.status == 200 else {
            return nil
        }
        return String(decoding: answer.body, as: UTF8.self)
    }

    private var operations: RemoteOperationService { RemoteOperationService(site.client) }

    private func ask(_ method: String, _ path: String, _ body: JSONObject?, within limit: Duration)
        async throws(MMError) -> (status: Int, body: JSONObject)
    {
        try await site.client.object(method, path, body, within: limit, of: connection)
    }

    /// Does what needs the pool. One that turns out to have gone before it was asked is brought up again and asked once more:
    /// nothing has been done.
    private func reached<Answer>(_ work: () async throws(MMError) -> Answer) async throws(MMError) -> Answer {
        try await site.bringUp()
        do throws(MMError) {
            return try await work()
        } catch {
            guard error.isOfLeavingPool, !Task.isCancelled else { throw error }
            await site.wasMissed()
            try await site.bringUp()
            return try await work()
        }
    }
}

extension PoolClient {
    /// Asks for a JSON object.
    /// - Throws: `remoteFailed` when something else answers, otherwise as `ask`.
    func object(
        _ method: String, _ path: String, _ body: JSONObject?, within limit: Duration, of connection: String
    ) async throws(MMError) -> (status: Int, body: JSONObject) {
        let reply = try await ask(method, path, body, within: limit)
        guard let object = reply.body.object else {
            throw MMError(.remoteFailed, "The pool of \(connection) answered with no JSON object.")
        }
        if let error = ErrorWire.error(object), error.isOfLeavingPool { throw error }
        return (reply.status, object)
    }
}
