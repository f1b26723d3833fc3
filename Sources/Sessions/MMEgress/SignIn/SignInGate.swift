import MMCore
import MMIdentity

/// Keeps a session's sign-ins to those that the pool has started. A script that asks for a code of its own, or has tokens
/// given to another client, would act with rights that nobody gave to the connection.
final class SignInGate: Sendable {
    /// What a refresh token was given for.
    private struct Grant {
        let client: String
        /// The scopes that were asked for.
        let asked: Set<String>
        /// The scopes that the service named.
        let given: Set<String>
    }

    private struct State {
        var tenants: Set<String>
        /// The sign-in that `client` belongs to.
        var current: Int?
        /// The one client of that sign-in.
        var client: String?
        /// Clients that have signed in with a credential of their own, in a sign-in of the pool.
        var apps: Set<String> = []
        /// By placeholder.
        var grants: [String: Grant] = [:]
    }

    /// Names that stand for no tenant.
    private static let common: Set<String> = ["common", "organizations", ".well-known", "getuserrealm.srf"]
    /// Scopes that give nothing but who signed in.
    private static let plainScopes: Set<String> = ["openid", "profile", "email", "offline_access"]
    private static let mostGrants = 256

    private let rules: SignInRules
    private let state: Mutex<State>

    init(_ rules: SignInRules) {
        self.rules = rules
        state = Mutex(State(tenants: rules.tenants))
    }

    /// Refuses what is no step of a sign-in that the pool has started, and no renewal of what came of one.
    func check(_ request: DescribedRequest) throws(WireFault) {
        let path = String(request.target.prefix { $0 != "?" })
        let segments = (PercentCoding.decode(path.utf8) ?? path).lowercased().split(separator: "/").map(String.init)
        try checkTenant(segments.first ?? "")
        let kind = segments.contains("oauth2") ? segments.last ?? "" : ""
        var form: FormFields?
        if case .whole(let body) = request.body { form = FormFields(reading: body) }
        switch kind {
        case "token":
            let grant = form?["grant_type"]?.lowercased() ?? ""
            if grant == "refresh_token" { return try checkRenewal(form) }
            try checkFirst(form?["client_id"], isCredential: grant == "client_credentials")
        case "devicecode", "authorize":
            let query = request.target.firstIndex(of: "?").map { request.target[$0...].dropFirst() } ?? ""
            try checkFirst(form?["client_id"] ?? FormFields(reading: Array(query.utf8))?["client_id"])
        default:
            let isQuestion = kind.isEmpty && segments.last == "getcredentialtype"
            guard request.method == "GET" || request.method == "HEAD" || isQuestion else {
                throw Self.refused("Sessions send nothing else to the sign-in service.")
            }
        }
    }

    /// An account was admitted: its tenant is the session's.
    func admit(tenant: String) { state.withLock { _ = $0.tenants.insert(tenant.lowercased()) } }

    /// A refresh token was given, in the place of which the session holds a placeholder.
    /// - Parameters:
    ///   - placeholder: what the session holds.
    ///   - form: what was asked.
    ///   - scopes: what the service says that it gave.
    func gave(_ placeholder: String, for form: FormFields?, scopes: String?) {
        guard let client = form?["client_id"] else { return }
        state.withLock { state in
            // A renewal hands on what the first one was for.
            let before = form?["refresh_token"].flatMap { state.grants[$0] }
            let asked = (before?.asked ?? []).union(Self.scopes(of: form))
            let given = (before?.given ?? []).union(Self.words(scopes ?? ""))
            if state.grants.count >= Self.mostGrants, let any = state.grants.keys.first { state.grants[any] = nil }
            state.grants[placeholder] = Grant(client: client.lowercased(), asked: asked, given: given)
        }
    }

    // MARK: Rules

    private func checkTenant(_ name: String) throws(WireFault) {
        guard !Self.common.contains(name), !state.withLock({ $0.tenants.contains(name) }) else { return }
        throw Self.refused(
            "\(name.isEmpty ? "The sign-in service's own page" : name) is not a tenant of this connection. The owner adds "
                + "another one to egress.allow, by the name or id that stands in the path.")
    }

    /// A first token, or a step on the way to one.
    private func checkFirst(_ client: String?, isCredential: Bool = false) throws(WireFault) {
        guard let client = client?.lowercased(), !client.isEmpty else {
            throw Self.refused("A sign-in names its client.")
        }
        let current = rules.current()
        let isOwn = state.withLock { state in
            // What an app proves by itself it may prove again: nobody renews its tokens but with the same proof.
            guard let current else { return isCredential && state.apps.contains(client) }
            if state.current != current { (state.current, state.client) = (current, nil) }
            if state.client == nil { state.client = client }
            guard state.client == client else { return false }
            if isCredential { state.apps.insert(client) }
            return true
        }
        guard isOwn else {
            throw Self.refused(
                current == nil
                    ? "Only mm signs a session in, before its commands run. Sign in with mm login, or reset the session."
                    : "Another client signs in at the moment.")
        }
    }

    private func checkRenewal(_ form: FormFields?) throws(WireFault) {
        // What is no placeholder of a refresh token is refused as such, by whoever puts the token in.
        guard let token = form?["refresh_token"], let grant = state.withLock({ $0.grants[token] }) else { return }
        guard form?["client_id"]?.lowercased() == grant.client else {
            throw Self.refused("A refresh token is renewed by the client that it was given to.")
        }
        let narrow = Set(grant.asked.filter { !$0.hasSuffix("/.default") }.map(Self.audience))
        for scope in Self.scopes(of: form) {
            if Self.plainScopes.contains(scope) || grant.asked.contains(scope) || grant.given.contains(scope) {
                continue
            }
            // All that the client was granted of another resource: what the sign-in asked for as a whole.
            if scope.hasSuffix("/.default"), !narrow.contains(Self.audience(scope)) { continue }
            throw Self.refused("The session's sign-in was not for \(scope).")
        }
    }

    // MARK: Scopes

    private static func scopes(of form: FormFields?) -> Set<String> {
        var found = Set(words(form?["scope"] ?? ""))
        if let resource = form?["resource"] { found.insert(CloudHost.audience(resource) + "/.default") }
        return found
    }

    private static func words(_ text: String) -> [String] {
        text.lowercased().split(whereSeparator: { $0 == " " || $0 == "+" }).map { word in
            // Some resources end with a slash of their own.
            word.hasSuffix("//.default") ? CloudHost.audience(String(word.dropLast(9))) + "/.default" : String(word)
        }
    }

    /// The resource of a scope; one without is Graph's.
    private static func audience(_ scope: String) -> String {
        guard let end = scope.lastIndex(of: "/") else {
            return plainScopes.contains(scope) ? "" : "https://graph.microsoft.com"
        }
        return CloudHost.audience(String(scope[..<end]))
    }

    private static func refused(_ message: String) -> WireFault {
        WireFault(403, .signIn, "The sign-in was not sent: \(message)")
    }
}
