package import MMCore
package import MMHTTP

/// A sign-in service in memory: publishes metadata and keys, fails when told to, and counts the requests.
package final class SignInServiceStub: HTTPTransport {
    /// The published data, and the requests.
    package struct State: Sendable {
        /// Its metadata.
        package var metadata: [UInt8]
        /// Its keys.
        package var keys: [UInt8]
        /// Whether it can't be reached.
        package var isDown = false
        /// The requested addresses.
        package var asked: [String] = []
        /// The end of the only address of its metadata.
        package var place = "/.well-known/openid-configuration"
    }
    /// The published data, and the requests.
    package let state: Mutex<State>

    /// A service that works.
    package init(metadata: [UInt8], keys: [UInt8]) {
        state = Mutex(State(metadata: metadata, keys: keys))
    }

    package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let answer: (Int, [UInt8])? = state.withLock { state in
            state.asked.append(request.url)
            guard !state.isDown else { return nil }
            if request.url == "https://keys.example/jwks" { return (200, state.keys) }
            return request.url.hasSuffix(state.place) ? (200, state.metadata) : (404, [])
        }
        guard let answer else { throw HTTPError(.connect, "down") }
        return HTTPResponse(status: answer.0, headers: [:], body: answer.1)
    }

    package func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        throw HTTPError(.unavailable, "no streams")
    }

    /// How often its keys were requested.
    package var askedForKeys: Int { state.withLock { $0.asked.count { $0.hasSuffix("/jwks") } } }
}
