public import MMCore
internal import MMHTTP

/// A token of another issuer that an app registration trusts in place of the app's own credential (Microsoft Entra,
/// "Workload identity federation"). Such tokens live for minutes, so a fresh one is obtained for each request.
public enum FederatedToken: Sendable {
    /// A file that its owner renews, as Kubernetes mounts them.
    case file(String)
    /// An environment variable, as GitLab sets it for a job (`id_tokens`).
    case variable(String)
    /// The GitHub Actions job that this process runs in; the job needs `permissions: id-token: write`.
    case gitHub
    /// The source that this machine offers: a GitHub Actions job, a Kubernetes workload (`AZURE_FEDERATED_TOKEN_FILE`),
    /// or a GitLab job (`GITLAB_OIDC_TOKEN`).
    case environment
    /// A token that the embedding program supplies.
    case custom(@Sendable () async throws -> Secret)

    static let gitHubAddress = "ACTIONS_ID_TOKEN_REQUEST_URL"
    private static let gitHubKey = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
    private static let kubernetesFile = "AZURE_FEDERATED_TOKEN_FILE"
    private static let gitLabVariable = "GITLAB_OIDC_TOKEN"
    private static let what = "the federated token"

    /// Obtains a fresh token.
    func fetch(
        for target: SignInTarget, in surroundings: CredentialContext, deadline: Deadline
    ) async throws(MMError) -> Secret {
        switch try found(of: target.connection, in: surroundings.environment) {
        case .file(let path): return try await read(.file(path), target.connection, surroundings)
        case .variable(let name): return try await read(.variable(name), target.connection, surroundings)
        case .gitHub: return try await askGitHub(target, surroundings, deadline)
        case .custom(let give):
            do {
                return try await give()
            } catch let error as MMError {
                throw error
            } catch {
                throw MMError(
                    .unavailable, "The program provided no federated token for \(target.connection).", cause: "\(error)"
                )
            }
        case .environment: throw Self.missing(target.connection)
        }
    }

    /// Checks that there is a token, without requesting one.
    func check(of connection: String, in surroundings: CredentialContext) async throws(MMError) {
        switch try found(of: connection, in: surroundings.environment) {
        case .file(let path): _ = try await read(.file(path), connection, surroundings)
        case .variable(let name): _ = try await read(.variable(name), connection, surroundings)
        case .gitHub, .environment, .custom: break
        }
    }

    private func found(of connection: String, in environment: [String: String]) throws(MMError) -> FederatedToken {
        guard case .environment = self else { return self }
        let isSet = { (name: String) in environment[name]?.isEmpty == false }
        if isSet(Self.gitHubAddress), isSet(Self.gitHubKey) { return .gitHub }
        if let path = environment[Self.kubernetesFile], !path.isEmpty { return .file(path) }
        if isSet(Self.gitLabVariable) { return .variable(Self.gitLabVariable) }
        throw Self.missing(connection)
    }

    private func read(
        _ source: SecretSource, _ connection: String, _ surroundings: CredentialContext
    ) async throws(MMError) -> Secret {
        try await source.read(Self.what, of: connection, environment: surroundings.environment, isMounted: true)
    }

    private func askGitHub(
        _ target: SignInTarget, _ surroundings: CredentialContext, _ deadline: Deadline
    ) async throws(MMError) -> Secret {
        let environment = surroundings.environment
        guard let address = environment[Self.gitHubAddress], WebAddress(address) != nil,
            let key = environment[Self.gitHubKey], !key.isEmpty
        else {
            throw MMError(
                .invalidInput, "This isn't a GitHub Actions job that may request a token.",
                hint: "Give the job the permission id-token: write.")
        }
        HeldSecrets.shared.hold(Secret(key))
        let audience = FormFields.encode(target.authority.cloud.federationAudience)
        var request = HTTPRequest(
            url: address + (address.contains("?") ? "&" : "?") + "audience=" + audience,
            headers: ["Authorization": "Bearer \(key)", "Accept": "application/json; api-version=2.0"],
            maxResponseBytes: 1 << 20, allowsPlainHTTP: WebAddress(address)?.isLoopback == true)
        let isPassing = { (status: Int) in status == 429 || status >= 500 }
        let response = try await surroundings.answer(
            of: "GitHub's token service", for: target.connection, pauses: [1, 2, 4], deadline: deadline,
            isPassing: isPassing
        ) { limit in
            request.timeout = limit
            return try await surroundings.transport.send(request)
        }
        guard response.status == 200,
            let token = (try? JSONParser.parse(response.body, limits: JSONLimits(bytes: 1 << 20, depth: 8)))?["value"]?
                .string, !token.isEmpty
        else {
            let mayPass = isPassing(response.status)
            let hint =
                if mayPass {
                    "Try again in a moment."
                } else if [401, 403].contains(response.status) {
                    "Give the job the permission id-token: write."
                } else {
                    "A proxy may have answered in GitHub's place: check HTTPS_PROXY and NO_PROXY."
                }
            throw MMError(
                mayPass ? .unavailable : .remoteFailed,
                "GitHub returned no token for \(target.connection) (HTTP \(response.status)).", hint: hint,
                retry: mayPass ? .after(.seconds(30)) : .never)
        }
        return Secret(token)
    }

    private static func missing(_ connection: String) -> MMError {
        MMError(
            .invalidInput, "\(connection) signs in with a federated token, but none was found.",
            hint: "Set tokenFile or tokenVariable in auth, or run in a GitHub Actions job with the permission "
                + "id-token: write, in a Kubernetes workload (\(kubernetesFile)), or in a GitLab job with an "
                + "id_token in \(gitLabVariable).",
            details: ["connection": .string(connection), "field": "auth.tokenFile"])
    }
}

extension Cloud {
    /// The audience of tokens that replace an app's credential.
    var federationAudience: String {
        switch name {
        case "gcchigh", "dod": "api://AzureADTokenExchangeUSGov"
        case "china": "api://AzureADTokenExchangeChina"
        default: "api://AzureADTokenExchange"
        }
    }
}
