internal import MMCore

/// The apps that can sign in to the tenant: those that the sandbox starts with, and those that were registered since.
struct TenantApps {
    let store: DirectoryStore

    /// The app of an id, in any case.
    func find(_ id: String) -> RegisteredApp? { RegisteredApp.find(id) ?? registered(id) }

    /// The app that a form names: known, enabled.
    func named(in form: PostedForm) throws(TokenFault) -> RegisteredApp {
        guard let id = form["client_id"], !id.isEmpty else { throw .missing("client_id") }
        guard GUID.isValid(id) else {
            throw TokenFault("invalid_request", 900_971, "The client_id '\(id.prefix(64))' is not a valid GUID.")
        }
        guard let app = find(id) else {
            throw TokenFault(
                "unauthorized_client", 700_016,
                "Application with identifier '\(id)' was not found in the directory '\(TenantIdentity.name)'. This sandbox knows \(TenantIdentity.demoApp)."
            )
        }
        guard app.isEnabled else {
            throw TokenFault(
                "unauthorized_client", 7_000_112, "Application '\(id)' (\(app.name)) is disabled.", status: 401)
        }
        return app
    }

    /// An app that somebody registered. Without a service principal the tenant doesn't know it yet.
    private func registered(_ id: String) -> RegisteredApp? {
        guard let app = store.table(.applications).find(id), app["appId"]?.string?.lowercased() == id.lowercased(),
            let principal = store.table(.servicePrincipals).find(id)
        else { return nil }
        let addresses = app["publicClient"]?["redirectUris"]?.array?.compactMap(\.string) ?? []
        return RegisteredApp(
            id: id.lowercased(), name: app["displayName"]?.string ?? "",
            isPublicClient: app["isFallbackPublicClient"]?.bool == true,
            isEnabled: principal["accountEnabled"]?.bool != false, needsConsent: true, redirectURIs: addresses)
    }
}
