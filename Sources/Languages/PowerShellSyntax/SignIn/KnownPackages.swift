/// The PowerShell modules that scripts ask for by name: those that are available or that this program replaces, and
/// those whose service has ended.
package enum KnownPackages {
    /// The availability of a module.
    package enum Standing: Sendable, Equatable {
        /// The module is available, or isn't needed.
        case present
        /// The module's service has ended; the value is a sentence that names the replacement.
        case retired(String)
        /// The module is unknown.
        case unknown
    }

    /// Returns the availability of a module; a `*` at the end stands for any rest.
    package static func standing(of written: String) -> Standing {
        var name = written.lowercased()
        if name.hasSuffix("*") { name.removeLast() }
        guard !name.isEmpty else { return .present }
        if name.utf8.contains(where: { $0 == 0x2F || $0 == 0x5C || $0 == 0x2A || $0 == 0x3A }) { return .unknown }
        if let (_, successor) = retired.first(where: { name == $0.name || name.hasPrefix($0.name + ".") }) {
            return .retired(successor)
        }
        return session(of: name) != nil || own.contains(name) ? .present : .unknown
    }

    /// Returns the word of the sessions that run a module's cmdlets; `nil` for any other module.
    package static func session(of name: String) -> String? {
        let name = name.lowercased()
        if let exact = sessions[name] { return exact }
        if name.hasPrefix("microsoft.graph.") || name == "microsoft.graph" { return "graph" }
        return name.hasPrefix("az.") ? "azure" : nil
    }

    /// Returns the name and version with which a module is listed; `nil` for an unknown one.
    package static func shown(_ written: String) -> (name: String, version: String)? {
        var name = written.lowercased()
        if name.hasSuffix("*") { name.removeLast() }
        if let (known, version) = versions.first(where: { $0.name.lowercased() == name }) { return (known, version) }
        guard standing(of: written) == .present, !name.isEmpty, let module = session(of: name) else { return nil }
        let version = versions.first { session(of: $0.name) == module }?.version ?? "1.0.0"
        return (written.hasSuffix("*") ? String(written.dropLast()) : written, version)
    }

    /// The modules whose cmdlets the native engine has itself, in lower case, each with the version that it shows. No
    /// session has them.
    private static let native: [(name: String, version: String)] = [("ImportExcel", "7.8.10")]

    /// Returns the name and version of a module whose cmdlets the native engine has itself; `nil` for any other module.
    package static func ofEngine(_ written: String) -> (name: String, version: String)? {
        native.first { $0.name.lowercased() == written.lowercased() }
    }

    /// Returns whether a module is there: in a session or, where the native engine runs the script, in the engine
    /// itself.
    package static func isPresent(_ written: String, natively: Bool) -> Bool {
        standing(of: written) == .present || natively && ofEngine(written) != nil
    }

    /// Returns whether the requirements of `#requires` lines are met: they only ask for available modules and for
    /// PowerShell 7 or older.
    /// - Parameter natively: whether the native engine runs the script, so that modules whose cmdlets it has are
    ///   available too.
    package static func satisfy(_ requirements: ScriptRequirements, natively: Bool) -> Bool {
        requirements.assemblies.isEmpty
            && requirements.modules.allSatisfy { isPresent($0, natively: natively) }
            && (requirements.version.map { version in
                let major = version.split(separator: ".").first.flatMap { Int($0) } ?? 0
                return major <= 7
            } ?? true)
    }

    /// The available modules with a fixed name, in lower case.
    package static var present: Set<String> { own.union(sessions.keys) }

    /// The sessions that run the cmdlets of each module with a fixed name, in lower case.
    package static let sessions: [String: String] = [
        "exchangeonlinemanagement": "exo", "az": "azure", "microsoftteams": "teams", "pnp.powershell": "pnp",
        "sharepointpnppowershellonline": "pnp", "microsoft.online.sharepoint.powershell": "pnp",
        "microsoft.powerapps.administration.powershell": "powerplatform",
        "microsoft.powerapps.powershell": "powerplatform",
    ]

    /// PowerShell's own modules, and those that install modules.
    private static let own: Set<String> = [
        "microsoft.powershell.core", "microsoft.powershell.utility", "microsoft.powershell.management",
        "microsoft.powershell.security", "microsoft.powershell.host", "microsoft.powershell.archive",
        "microsoft.powershell.psresourceget", "packagemanagement", "powershellget", "threadjob",
        "microsoft.powershell.threadjob", "psreadline", "psgallery", "nuget",
    ]

    /// The modules whose service has ended, in lower case, each with a sentence that names the replacement.
    package static let retired: [(name: String, successor: String)] = [
        ("msonline", "MSOnline is retired: use the cmdlets of Microsoft Graph (module graph), such as Get-MgUser."),
        ("azuread", "AzureAD is retired: use the cmdlets of Microsoft Graph (module graph), such as Get-MgUser."),
        (
            "azureadpreview",
            "AzureADPreview is retired: use the cmdlets of Microsoft Graph (module graph), such as Get-MgUser."
        ),
        ("azurerm", "AzureRM is retired: use the cmdlets of Az (module azure)."),
    ]

    /// The modules that are listed, with their versions.
    package static let versions: [(name: String, version: String)] = [
        ("ExchangeOnlineManagement", "3.9.0"), ("Microsoft.Graph", "2.28.0"),
        ("Microsoft.Graph.Authentication", "2.28.0"), ("Az", "14.0.0"), ("Az.Accounts", "5.3.0"),
        ("MicrosoftTeams", "7.8.0"), ("PnP.PowerShell", "3.1.0"),
        ("Microsoft.Online.SharePoint.PowerShell", "16.0.26017.12000"),
    ]
}
