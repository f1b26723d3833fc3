/// Modules whose cmdlets the tables list, by the names that qualify them.
enum KnownModules {
    static func contains(_ module: String) -> Bool {
        let name = module.asciiLowercased
        return names.contains(name) || name.hasPrefix("az.") || name.hasPrefix("microsoft.graph.")
    }

    /// The product of a session's module word.
    static func product(of module: String) -> CmdletEntry.Product? {
        switch module.asciiLowercased {
        case "exo", "exchange", "scc", "ipps", "compliance", "purview": .exchange
        case "azure", "az": .azure
        case "teams": .teams
        case "pnp": .pnp
        case "spo", "sharepoint": .sharePoint
        case "powerplatform", "powerapps", "pac", "pp": .powerApps
        case "graph", "mg", "mggraph": .graph
        default: nil
        }
    }

    private static let names: Set<String> = [
        "exchangeonlinemanagement", "microsoftteams", "pnp.powershell", "microsoft.online.sharepoint.powershell",
        "microsoft.powerapps.administration.powershell", "microsoft.powerapps.powershell", "microsoft.graph",
        "microsoft.powershell.core", "microsoft.powershell.utility", "microsoft.powershell.management",
        "microsoft.powershell.security", "microsoft.powershell.host",
    ]
}
