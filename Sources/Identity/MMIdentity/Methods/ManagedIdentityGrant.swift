internal import Glibc
internal import MMCore
internal import MMHTTP

/// Obtains tokens for an identity of this machine (Microsoft Entra, "How managed identities for Azure resources work
/// with Azure virtual machines").
struct ManagedIdentityGrant: AppTokenSource {
    let identity: ManagedIdentity
    let surroundings: CredentialContext
    /// The folder in which the agent of Azure Arc places the keys that authenticate requests.
    var keyFolder = "/var/opt/azcmagent/tokens"

    /// The maximum time to wait for the metadata service. It answers at once; if it doesn't, this isn't an Azure
    /// machine.
    private static let patience = Duration.seconds(2)

    func token(
        _ target: SignInTarget, _ resource: ServiceResource, claims: String?, deadline: Deadline
    ) async throws(MMError) -> TokenAnswer {
        let endpoint = try MachineIdentityEndpoint.found(in: surroundings.environment)
        var request = try endpoint.request(identity, resource: target.authority.cloud.audience(of: resource) ?? "")
        if case .metadata(let address) = endpoint { try await probe(address, endpoint, deadline) }
        // The metadata service may be unavailable for a minute while it is updated (410); others are retried a few
        // times.
        let pauses: [Int64] = if case .metadata = endpoint { [1, 2, 4, 8, 16, 32, 8] } else { [1, 2, 4] }
        let answer = try await surroundings.answer(
            of: endpoint.name, for: target.connection, pauses: pauses, deadline: deadline, isPassing: Self.isPassing
        ) { limit in
            request.timeout = limit
            let answer = try await surroundings.direct.send(request)
            guard case .arc = endpoint, answer.status == 401 else { return answer }
            return try await proven(request, by: answer)
        }
        guard answer.status == 200 else { throw refusal(answer, endpoint, target) }
        let scope = target.authority.cloud.defaultScope(of: resource) ?? ""
        return try TokenAnswer(managedIdentity: answer.body, scope: scope, now: surroundings.clock.now)
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
                hint: "Managed identities exist only on Azure machines and on machines managed by Azure Arc. Elsewhere "
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
                .denied, "The Azure Arc agent did not give a valid key file for authentication: \(field.prefix(120)).")
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
            "\(endpoint.name.prefix(1).uppercased())\(endpoint.name.dropFirst()) returned no token for "
                + "\(target.connection) (HTTP \(response.status))\(said).",
            hint: isPassing
                ? "Try again in a moment."
                : "Assign a managed identity to this machine, and if it has several, set the right one in auth (clientId, objectId or "
                    + "resourceId).",
            retry: isPassing ? .after(.seconds(30)) : .never,
            details: ["connection": .string(target.connection), "status": .int(Int64(response.status))])
    }

    /// Returns whether the same request may succeed after a pause.
    private static func isPassing(_ status: Int) -> Bool { [404, 410, 429].contains(status) || status >= 500 }
}

/// A key that the agent of Azure Arc places in its folder for users who may read there. The file belongs to the agent's
/// user, which is neither this user nor root, so its folder vouches for it instead of its owner.
struct AgentKey: Sendable {
    let folder: String
    let name: String

    private static let limit = 4096

    /// Finds the key that a challenge names; `nil` if it doesn't name a key.
    init?(folder: String, challenge: String) {
        guard let mark = challenge.lowercased().firstRange(of: "realm=") else { return nil }
        let path = challenge[mark.upperBound...].filter { $0 != "\"" }
        // Accept only keys from the agent's own folder; another file's content would be sent to the service at that
        // address.
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        guard name.hasSuffix(".key"), name.utf8.count > ".key".utf8.count else { return nil }
        self.folder = folder
        self.name = name
    }

    /// Reads the key.
    /// - Throws: `forbidden` when the file can't be read.
    func read() throws(MMError) -> Secret {
        let path = "\(folder)/\(name)"
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        var status = stat()
        var room = [UInt8](repeating: 0, count: Self.limit + 1)
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw unreadable(path) }
        let count = Glibc.read(descriptor, &room, room.count)
        guard count > 0, count <= Self.limit, room[..<count].allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw unreadable(path)
        }
        return Secret(String(decoding: room[..<count], as: UTF8.self))
    }

    private func unreadable(_ path: String) -> MMError {
        MMError(
            .forbidden, "The key file of the Azure Arc agent can't be read: \(path).",
            hint: "Add this user to the group himds, then log in to the machine again.")
    }
}

/// The service of this machine that issues tokens for its identities, and the format of its requests. The possible
/// services are tried in MSAL's order.
enum MachineIdentityEndpoint: Sendable, Hashable {
    /// App Service, Functions, Container Apps, Automation.
    case appService(String, key: String)
    /// Machine Learning.
    case machineLearning(String, key: String)
    /// A machine outside Azure that Azure Arc manages.
    case arc(String)
    /// The instance metadata service of a virtual machine.
    case metadata(String)

    private static let agent = "/opt/azcmagent/bin/himds"

    /// Returns the service that the variables name; without any, the one that every Azure virtual machine has.
    static func found(in environment: [String: String]) throws(MMError) -> MachineIdentityEndpoint {
        let value = { (name: String) in environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let address = value("IDENTITY_ENDPOINT") {
            if value("IDENTITY_SERVER_THUMBPRINT") != nil {
                throw MMError(
                    .unsupported, "Managed identities of Service Fabric are not supported.",
                    hint: "Sign in with a certificate or a federated token.")
            }
            if let key = value("IDENTITY_HEADER") { return .appService(try checked(address), key: key) }
            if value("IMDS_ENDPOINT") != nil { return .arc(try checked(address)) }
        }
        if let address = value("MSI_ENDPOINT"), let key = value("MSI_SECRET") {
            return .machineLearning(try checked(address), key: key)
        }
        if access(agent, X_OK) == 0 { return .arc("http://localhost:40342/metadata/identity/oauth2/token") }
        let host = value("AZURE_POD_IDENTITY_AUTHORITY_HOST") ?? "http://169.254.169.254"
        let base = host.hasSuffix("/") ? String(host.dropLast()) : host
        return .metadata(try checked(base + "/metadata/identity/oauth2/token"))
    }

    /// Its name, for messages.
    var name: String {
        switch self {
        case .appService: "the identity service of App Service"
        case .machineLearning: "the identity service of Machine Learning"
        case .arc: "the agent of Azure Arc"
        case .metadata: "the instance metadata service"
        }
    }

    /// Returns the request for a token of an identity.
    /// - Parameters:
    ///   - identity: the identity.
    ///   - resource: the audience of the token, without a scope.
    func request(_ identity: ManagedIdentity, resource: String) throws(MMError) -> HTTPRequest {
        var query = FormFields([:])
        var headers: HTTPHeaders = ["Accept": "application/json"]
        let base: String
        switch self {
        case .appService(let address, let key):
            (base, query["api-version"]) = (address, "2019-08-01")
            headers.set("X-IDENTITY-HEADER", key)
            // Azure Automation, which sets the same variables, requires it; the others ignore it.
            headers.set("Metadata", "true")
        case .machineLearning(let address, let key):
            (base, query["api-version"]) = (address, "2017-09-01")
            headers.set("secret", key)
        case .arc(let address):
            (base, query["api-version"]) = (address, "2020-06-01")
            headers.set("Metadata", "true")
        case .metadata(let address):
            (base, query["api-version"]) = (address, "2018-02-01")
            headers.set("Metadata", "true")
        }
        query["resource"] = resource
        if let (name, value) = try selection(of: identity) { query[name] = value }
        var request = HTTPRequest(
            url: base + (base.contains("?") ? "&" : "?") + String(decoding: query.body, as: UTF8.self),
            headers: headers,
            maxResponseBytes: 1 << 20, allowsPlainHTTP: base.hasPrefix("http:"))
        // The variable or the well-known address names a service of this machine or its host.
        request.allowsPlainHTTPToOtherHosts = true
        return request
    }

    private func selection(of identity: ManagedIdentity) throws(MMError) -> (String, String)? {
        switch (identity, self) {
        case (.system, _): return nil
        case (_, .arc):
            throw MMError(
                .invalidInput, "Azure Arc machines have only a system-assigned identity.",
                hint: "Remove clientId, objectId and resourceId from auth.")
        case (.clientID(let id), .machineLearning): return ("clientid", id)
        case (.clientID(let id), _): return ("client_id", id)
        case (_, .machineLearning):
            throw MMError(
                .invalidInput, "Machine Learning identifies an identity only by its client ID.",
                hint: "Set clientId in auth.")
        case (.objectID(let id), _): return ("object_id", id)
        case (.resourceID(let id), .metadata): return ("msi_res_id", id)
        case (.resourceID(let id), _): return ("mi_res_id", id)
        }
    }

    private static func checked(_ address: String) throws(MMError) -> String {
        guard let parts = WebAddress(address), !parts.hasUserInfo else {
            throw MMError(
                .invalidInput, "The identity service in the environment can't be used: \(address.prefix(120)).",
                hint: "Correct IDENTITY_ENDPOINT, MSI_ENDPOINT or AZURE_POD_IDENTITY_AUTHORITY_HOST.")
        }
        return address
    }
}

/// One of the identities that Azure assigned to this machine ("Managed identities for Azure resources").
public enum ManagedIdentity: Sendable, Hashable {
    /// The system-assigned identity.
    case system
    /// A user-assigned identity, by its client id.
    case clientID(String)
    /// A user-assigned identity, by the object id of its service principal.
    case objectID(String)
    /// A user-assigned identity, by its resource id (`/subscriptions/…`).
    case resourceID(String)
}
