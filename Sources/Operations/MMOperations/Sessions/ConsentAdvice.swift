import MMCore
import MMIdentity

/// Texts for the error that a connection's own app has no consent for a service.
enum ConsentAdvice {
    /// Returns the missing permissions and the commands that help.
    static func text(_ error: MMError, _ resource: ServiceResource, of connection: String) -> String {
        let number = error.details["aadsts"]?.int.map { " (AADSTS\($0))" } ?? ""
        return "the app of \(connection) has no consent for \(permission(of: resource))\(number). "
            + "Add it: \(command(for: resource, of: connection)), or set another app for the module: "
            + "mm connections edit \(ShellWord.quoted(connection)) moduleApps.MODULE=ID."
    }

    /// Returns the error of an app that lacks consent for a service, with the service, the permissions and the command
    /// that adds them.
    static func explained(_ error: MMError, _ resource: ServiceResource, of connection: String) -> MMError {
        var told = error
        told.message = "The app of \(connection) has no consent for \(permission(of: resource)). \(error.message)"
        told.details["resource"] = .string(resource.name)
        // Whoever acts for callers has a link to the consent of their app.
        if use(of: resource) != nil, error.details["consentUrl"] == nil {
            told.hint = "Add it (or get the link for an administrator): \(command(for: resource, of: connection))."
        }
        return told
    }

    /// Returns the error for a module that can't be signed in to.
    static func error(_ error: MMError, module: String, of connection: String) -> MMError {
        var told = error
        told.message = "\(module) can't sign in. \(error.message)"
        told.hint =
            (error.hint.map { $0 + " " } ?? "")
            + "Another app can be set for this module: mm connections edit \(ShellWord.quoted(connection)) "
            + "moduleApps.\(module)=ID."
        return told
    }

    /// Returns the command that adds the permissions for a service to a connection.
    private static func command(for resource: ServiceResource, of connection: String) -> String {
        "mm connect --name \(ShellWord.quoted(connection)) --uses \(use(of: resource)?.rawValue ?? "…")"
    }

    /// Returns the first use of a connection that needs a service.
    private static func use(of resource: ServiceResource) -> ConnectionUse? {
        service(of: resource).flatMap { service in
            ConnectionUse.allCases.first { use in
                use.permissions.contains { $0.service == service } && (service != .graph || use == .graph)
            }
        }
    }

    /// Returns the service in the admin centre that a resource's tokens are for.
    private static func service(of resource: ServiceResource) -> ServiceApp? {
        switch resource {
        case .graph: .graph
        case .exchange, .compliance: .exchange
        case .arm: .azure
        case .teams: .teams
        case .sharePoint: .sharePoint
        case .flow: .flow
        case .powerApps, .bap, .powerPlatform: .powerApps
        case .keyVault, .api: nil
        }
    }

    /// Returns the name of an API in the admin centre with the permissions that a module needs.
    private static func permission(of resource: ServiceResource) -> String {
        guard let service = service(of: resource) else { return "\(resource.name)" }
        let needed = ConnectionUse.allCases.lazy.flatMap(\.permissions).first {
            $0.service == service && service != .graph
        }
        return "\(service.title)" + (needed.map { " (\($0.names.joined(separator: ", ")))" } ?? "")
    }
}
