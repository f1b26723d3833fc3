internal import MMCore
internal import MMHTTP

/// Obtains tokens for an identity of this machine (Microsoft Entra, "How managed identities for Azure resources work
/// with Azure virtual machines").
struct ManagedIdentityGrant: AppTokenSource {
    let identity: ManagedIdentity
    let surroundings: CredentialContext
    /// The folder in which the agent of Azure Arc places the keys that authenticate requests.
    var keyFolder = "/var/opt/azcmagent/tokens"

    /// How long to wait for the metadata service. It answers at once; if it doesn't, this isn't an Azure machine.
    private static let patience = Duration.seconds(2)

    func token(
        _ target: SignInTarget, _ resource: ServiceResource, claims: String?, deadline: Deadline
    ) async throws(MMError) -> TokenAnswer {
        let endpoint = try MachineIdentityEndpoint.found(in: surroundings.environment)
        var request = try endpoint.request(identity, resource: target.authority.cloud.audience(of: resource) ?? "")
        if case .metadata(let address) = endpoint { try await probe(address, endpoint, deadline) }
        // The metadata service may be unavailable for a minute while it is updated (410); others are retried a few
        // times.
        var waits: [Int64] = if case .metadata = endpoint { [1, 2, 4, 8, 16, 32, 8] } else { [1, 2, 4] }
        while true {
            request.timeout = min(.seconds(30), max(deadline.remaining, .milliseconds(1)))
            var response: HTTPResponse?
            let fault: MMError
            var mayTry = false
            do {
                var answer = try await surroundings.direct.send(request)
                if case .arc = endpoint, answer.status == 401 {
                    answer = try await proven(request, by: answer)
                }
                response = answer
                if answer.status == 200 {
                    let scope = target.authority.cloud.defaultScope(of: resource) ?? ""
                    return try TokenAnswer(managedIdentity: answer.body, scope: scope, now: surroundings.clock.now)
                }
                mayTry = Self.isPassing(answer.status)
                fault = refusal(answer, endpoint, target)
            } catch let error as HTTPError {
                mayTry = error.kind != .cancelled
                fault = error.mmError(for: "Asking \(endpoint.name)")
            } catch let error as MMError {
                throw error
            } catch {
                throw MMError(.internalError, "\(endpoint.name) can't be asked: \(error)")
            }
            surroundings.log.debug("\(endpoint.name): \(response?.status ?? 0)")
            guard mayTry, let wait = waits.first, .seconds(wait) < deadline.remaining else { throw fault }
            waits.removeFirst()
            do { try await surroundings.pause(.seconds(wait)) } catch {
                throw MMError(.cancelled, "The sign-in of \(target.connection) was cancelled.")
            }
        }
    }

    /// Checks that there is a metadata service: it answers even a request without its header, with a refusal.
    /// - Throws: an error when it doesn't answer.
    private func probe(
        _ address: String, _ endpoint: MachineIdentityEndpoint, _ deadline: Deadline
    ) async throws(MMError) {
        var request = HTTPRequest(
            url: address, timeout: min(Self.patience, max(deadline.remaining, .milliseconds(1))),
            maxResponseBytes: 1 << 20, allowsPlainHTTP: address.hasPrefix("http:"))
        request.allowsPlainHTTPToOtherHosts = true
        do {
            _ = try await surroundings.direct.send(request)
        } catch {
            guard error.kind != .cancelled else {
                throw error.mmError(for: "Asking \(endpoint.name)")
            }
            throw MMError(
                .unavailable,
                "This machine has no managed identity: \(WebAddress(address)?.host ?? address) doesn't answer.",
                hint: "Managed identities exist on machines of Azure and on those that Azure Arc manages. Elsewhere "
                    + "sign in with a certificate or a federated token (auth of the connection).",
                cause: error.message)
        }
    }

    /// Repeats a request to Arc's agent with the key that the agent has placed where only root and its group can read
    /// it.
    private func proven(_ request: HTTPRequest, by challenge: HTTPResponse) async throws -> HTTPResponse {
        let field = challenge.headers["WWW-Authenticate"] ?? ""
        guard let place = AgentKey(folder: keyFolder, challenge: field) else {
            throw MMError(
                .denied, "The agent of Azure Arc names no key of its own for authentication: \(field.prefix(120)).")
        }
        let key = try place.read()
        HeldSecrets.shared.hold(key)
        var request = request
        request.headers.set("Authorization", "Basic \(key.reveal())")
        return try await surroundings.direct.send(request)
    }

    private func refusal(
        _ response: HTTPResponse, _ endpoint: MachineIdentityEndpoint, _ target: SignInTarget
    ) -> MMError {
        let body = (try? JSONParser.parse(response.body, limits: JSONLimits(bytes: 1 << 20, depth: 16)))?.object
        let text = body?["error_description"]?.string ?? body?["message"]?.string ?? body?["error"]?.string ?? ""
        let said = text.isEmpty ? "" : ": \(text.prefix { !$0.isNewline }.prefix(300))"
        let isPassing = Self.isPassing(response.status)
        return MMError(
            isPassing ? .unavailable : .invalidInput,
            "\(endpoint.name.prefix(1).uppercased())\(endpoint.name.dropFirst()) gave no token for "
                + "\(target.connection) (HTTP \(response.status))\(said).",
            hint: isPassing
                ? "Try again in a moment."
                : "Assign a managed identity to this machine, and name the right one in auth (clientId, objectId or "
                    + "resourceId) where it has several.",
            retry: isPassing ? .after(.seconds(30)) : .never,
            details: ["connection": .string(target.connection), "status": .int(Int64(response.status))])
    }

    /// Whether the same request may succeed after a pause.
    private static func isPassing(_ status: Int) -> Bool { [404, 410, 429].contains(status) || status >= 500 }
}
