internal import Glibc
internal import MMCore
internal import MMHTTP

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
                    .unsupported, "The managed identities of Service Fabric can't be used here.",
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
                .invalidInput, "Machines of Azure Arc have no other identity than their own.",
                hint: "Leave clientId, objectId and resourceId out of auth.")
        case (.clientID(let id), .machineLearning): return ("clientid", id)
        case (.clientID(let id), _): return ("client_id", id)
        case (_, .machineLearning):
            throw MMError(
                .invalidInput, "Machine Learning knows an identity by its client id alone.",
                hint: "Name clientId in auth.")
        case (.objectID(let id), _): return ("object_id", id)
        case (.resourceID(let id), .metadata): return ("msi_res_id", id)
        case (.resourceID(let id), _): return ("mi_res_id", id)
        }
    }

    private static func checked(_ address: String) throws(MMError) -> String {
        guard let parts = WebAddress(address), !parts.hasUserInfo else {
            throw MMError(
                .invalidInput, "The environment names no usable identity service: \(address.prefix(120)).",
                hint: "Correct IDENTITY_ENDPOINT, MSI_ENDPOINT or AZURE_POD_IDENTITY_AUTHORITY_HOST.")
        }
        return address
    }
}
