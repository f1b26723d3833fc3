import MMCore
import MMHTTP
import MMSandbox

/// The control of a running sandbox tenant, with the secret of its state file.
struct SandboxControl {
    /// The base URL of the tenant.
    let base: String
    private let secret: Secret

    /// Finds the running tenant of this user.
    /// - Throws: `unavailable` when there is none.
    init(_ paths: StatePaths) throws(MMError) {
        guard let file = try SandboxStateFile.ofRunning(in: paths.stateDirectory) else {
            throw MMError(.unavailable, "No sandbox tenant is running.", hint: "Start it: mm sandbox start")
        }
        base = file.base
        secret = file.secret
    }

    /// Calls one control endpoint.
    /// - Parameters:
    ///   - method: the HTTP method.
    ///   - name: the endpoint below `/sandbox/`.
    ///   - body: the body to send.
    /// - Returns: the tenant's answer; `null` for an empty one.
    /// - Throws: `MMError` with the tenant's own message.
    func call(_ method: String, _ name: String, _ body: JSONValue? = nil) async throws(MMError) -> JSONValue {
        var request = HTTPRequest(
            method: method, url: "\(base)/sandbox/\(name)", body: body.map { JSONWriter.bytes($0) },
            allowsPlainHTTP: true)
        request.headers.set("X-Sandbox-Secret", secret.reveal())
        if body != nil { request.headers.set("Content-Type", "application/json") }
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await HTTPClient(configuration: HTTPClientConfiguration(environment: [:])).send(request)
        } catch {
            throw error.mmError(for: "the sandbox tenant")
        }
        let answer = response.body.isEmpty ? JSONValue.null : (try? JSONParser.parse(response.body)) ?? .null
        guard response.status < 300 else {
            let text = answer["error"]?["message"]?.string ?? "The sandbox tenant answered \(response.status)."
            throw MMError(response.status == 404 ? .notFound : .invalidInput, text)
        }
        return answer
    }
}
