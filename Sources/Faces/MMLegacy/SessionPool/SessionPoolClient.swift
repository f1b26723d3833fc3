import MMCore
import MMHTTP
import MMOperations
package import MMPool

/// A client for a pool that supports only the session-pool server's routes: that server itself, where it still runs.
package struct SessionPoolClient: Sendable {
    private let pool: PoolClient

    /// Creates a client for a pool.
    package init(_ pool: PoolClient) {
        self.pool = pool
    }

    /// Returns whether such a pool responds.
    package func answers() async -> Bool {
        (try? await ask("GET", "/connections", within: .seconds(10)))?["connections"]?.object != nil
    }

    /// Returns the connections that the pool serves.
    /// - Throws: `unavailable` when it doesn't respond.
    func registry() async throws(MMError) -> RegistrySnapshot {
        let answer = try await ask("GET", "/connections", within: .seconds(30))
        guard answer["connections"] != nil else { throw PoolFailure.notAPool(pool.address) }
        return try RegistrySnapshot(document: answer, path: "the pool at \(pool.address)")
    }

    /// Sends a request to a route.
    /// - Parameters:
    ///   - body: the arguments of a POST.
    ///   - limit: the time limit for the response.
    /// - Throws: `unavailable` when the pool doesn't respond, or responds with anything but an object.
    func ask(_ method: String, _ path: String, _ body: JSONObject? = nil, within limit: Duration) async throws(MMError)
        -> JSONObject
    {
        var request = pool.request(
            method, path, headers: body == nil ? [:] : ["Content-Type": "application/json"],
            body: body.map { JSONWriter.bytes(.object($0)) })
        request.timeout = limit
        let response = try await pool.send(request, during: path)
        guard let object = (try? JSONParser.parse(response.body, limits: AnswerWire.limits))?.object,
            // It reported errors of the request itself with 400 or 404.
            [200, 400, 404].contains(response.status)
        else { throw PoolFailure.refusal(response.status, response.body, pool.address, during: path) }
        return object
    }
}
