import MMCore
import MMIdentity

/// The connection that a job's environment variables describe, as for the Azure libraries; it needs no registry.
enum EnvironmentConnection {
    /// Its name, which is also used where a call names a connection.
    static let name = "env:"
    /// The variables with secrets or paths to secrets, which no program gets.
    static let secretVariables = [
        "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "AZURE_FEDERATED_TOKEN_FILE", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL",
    ]

    /// Returns the connection of an environment.
    /// - Throws: `invalidInput` with the missing variable.
    static func make(_ environment: [String: String]) throws(MMError) -> Connection {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        guard let client = value("AZURE_CLIENT_ID") else { throw missing("AZURE_CLIENT_ID") }
        guard let tenant = value("AZURE_TENANT_ID") else { throw missing("AZURE_TENANT_ID") }
        var auth: JSONObject
        if value("AZURE_CLIENT_SECRET") != nil {
            auth = ["method": "secret", "secretVariable": "AZURE_CLIENT_SECRET"]
        } else if let path = value("AZURE_CLIENT_CERTIFICATE_PATH") {
            auth = ["method": "certificate", "certificatePath": .string(path)]
            if value("AZURE_CLIENT_CERTIFICATE_PASSWORD") != nil {
                auth["certificatePasswordVariable"] = "AZURE_CLIENT_CERTIFICATE_PASSWORD"
            }
        } else if let path = value("AZURE_FEDERATED_TOKEN_FILE") {
            auth = ["method": "federated", "tokenFile": .string(path)]
        } else if value("ACTIONS_ID_TOKEN_REQUEST_URL") != nil {
            auth = ["method": "federated"]
        } else {
            throw missing("AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH or AZURE_FEDERATED_TOKEN_FILE")
        }
        let cloud = try cloud(value("AZURE_AUTHORITY_HOST"), isSandbox: value("MM_SANDBOX_URL") != nil)
        var options: JSONObject = ["auth": .object(auth)]
        if let subscription = value("AZURE_SUBSCRIPTION_ID") { options["subscription"] = .string(subscription) }
        return try Connection(name: name, tenant: tenant, appId: client, cloud: cloud, options: options)
    }

    /// Returns the error of a failed sign-in with a remedy: the connection consists only of the job's variables.
    static func error(_ error: MMError, of connection: Connection) -> MMError {
        guard [.invalidInput, .signInNeeded, .forbidden].contains(error.code) else { return error }
        let credential =
            switch connection.auth.method {
            case .secret: "AZURE_CLIENT_SECRET"
            case .certificate: "AZURE_CLIENT_CERTIFICATE_PATH and AZURE_CLIENT_CERTIFICATE_PASSWORD"
            default: "AZURE_FEDERATED_TOKEN_FILE, or the job's token service"
            }
        var error = error
        // Hints about the connection's entry don't apply, since there is none.
        let remedy = error.hint.flatMap { $0.contains("mm connections") ? nil : $0 + " " } ?? ""
        error.hint =
            remedy + "The connection comes from environment variables: AZURE_CLIENT_ID, AZURE_TENANT_ID, \(credential)."
        return error
    }

    /// Returns the cloud to which an authority belongs.
    private static func cloud(_ authority: String?, isSandbox: Bool) throws(MMError) -> String {
        if isSandbox { return "sandbox" }
        guard let authority else { return "public" }
        let address = authority.hasPrefix("https://") ? authority : "https://" + authority
        guard let found = WebAddress(address).flatMap({ Cloud.signInService(at: $0) }) else {
            throw MMError(
                .invalidInput, "AZURE_AUTHORITY_HOST is not a known sign-in service: \(authority.prefix(120)).",
                hint: "Leave it out for the public cloud.")
        }
        return found.name
    }

    private static func missing(_ name: String) -> MMError {
        MMError(
            .invalidInput, "The environment describes no connection: \(name) is not set.",
            hint: "Set AZURE_CLIENT_ID and AZURE_TENANT_ID, and one of AZURE_CLIENT_SECRET, "
                + "AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE; or name a connection: mm connections list.",
            details: ["field": "connection"])
    }
}
