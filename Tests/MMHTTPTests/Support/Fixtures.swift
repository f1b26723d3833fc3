import MMCore
import MMSystem

@testable import MMHTTP

/// A client without proxy.
func makeClient() -> HTTPClient {
    Signals.ignoreBrokenPipes()
    var configuration = HTTPClientConfiguration(environment: [:])
    configuration.connectTimeout = .seconds(300)
    return HTTPClient(configuration: configuration)
}

/// A request to this machine.
func local(
    _ url: String, method: String = "GET", headers: HTTPHeaders = [:], body: [UInt8]? = nil,
    timeout: Duration = .seconds(300), stallTimeout: Duration? = nil, maxResponseBytes: Int = 64 << 20,
    unixSocket: String? = nil
) -> HTTPRequest {
    HTTPRequest(
        method: method, url: url, headers: headers, body: body, timeout: timeout, stallTimeout: stallTimeout,
        maxResponseBytes: maxResponseBytes, unixSocket: unixSocket, allowsPlainHTTP: true)
}

/// The text of a body.
func text(_ body: [UInt8]) -> String { String(decoding: body, as: UTF8.self) }

/// The error that a call ends with, or nil.
func failure<T>(_ body: () async throws(HTTPError) -> T) async -> HTTPError? {
    do throws(HTTPError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}
