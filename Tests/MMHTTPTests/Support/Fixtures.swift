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

/// Something that tasks write and a test reads.
final class Noted<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    var now: Value { value.withLock { $0 } }

    func change(_ body: @Sendable (inout Value) -> Void) {
        value.withLock { value in
            var copy = value
            body(&copy)
            value = copy
        }
    }
}
