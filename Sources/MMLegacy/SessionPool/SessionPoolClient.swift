import MMCore
import MMHTTP
import MMOperations
package import MMPoolWire

/// A pool that answers the session-pool server's routes and no others: that pool itself, where it still runs.
package struct SessionPoolClient: Sendable {
    private let pool: PoolClient

    /// A pool at an address.
    package init(_ pool: PoolClient) {
        self.pool = pool
    }

    /// Whether one answers there.
    package func answers() async -> Bool {
        (try? await ask("GET", "/connections", within: .seconds(10)))?["connections"]?.object != nil
    }

    /// The connections that it serves.
    /// - Throws: `unavailable` where it does not answer.
    func registry() async throws(MMError) -> RegistrySnapshot {
        let answer = try await ask("GET", "/connections", within: .seconds(30))
        guard answer["connections"] != nil else { throw PoolFailure.foreign(pool.address) }
        return try RegistrySnapshot(document: answer, path: "the pool at \(pool.address)")
    }

    /// Asks a route.
    /// - Parameters:
    ///   - body: the arguments of a POST.
    ///   - limit: how long the answer may take.
    /// - Throws: `unavailable` where it does not answer, or with something else than an object.
    func ask(_ method: String, _ path: String, _ body: JSONObject? = nil, within limit: Duration) async throws(MMError)
        -> JSONObject
    {
        var request = pool.request(
            method, path, headers: body == nil ? [:] : ["Content-Type": "application/json"],
            body: body.map { JSONWriter.bytes(.object($0)) })
        request.timeout = limit
        let response = try await pool.send(request, during: path)
        guard let object = (try? JSONParser.parse(response.body, limits: AnswerWire.limits))?.object,
            // What it says of a request itself came with 400 or 404.
            [200, 400, 404].contains(response.status)
        else { throw PoolFailure.refusal(response.status, response.body, pool.address, during: path) }
        return object
    }
}
