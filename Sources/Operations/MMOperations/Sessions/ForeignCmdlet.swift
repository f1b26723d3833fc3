import MMCore
import MMGuard

/// A cmdlet of a module that isn't available here: one that is retired, that runs only elsewhere, or that another one
/// replaces.
struct ForeignCmdlet {
    /// Why the cmdlet can't be called, and what to use instead.
    let error: MMError

    /// - Returns: `nil` for any other cmdlet.
    init?(_ name: String) {
        let parts = name.split(separator: "-", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let noun = parts[1].lowercased()
        guard let module = Self.modules.first(where: { noun.hasPrefix($0.prefix) && $0.fits(parts[1]) }) else {
            return nil
        }
        let rest = parts[1].dropFirst(module.prefix.utf8.count)
        let same = module.nouns.lazy.map { "\(parts[0])-\($0)\(rest)" }.first(where: CmdletClasses().knows)
        error = MMError(
            .invalidInput, "\(name) belongs to \(module.what).",
            hint: "\(module.instead)\(same.map { ": \($0)" } ?? "").",
            details: ["field": "module", "cmdlet": .string(name)])
    }

    private struct Module {
        /// How the nouns of its cmdlets begin, in lower case.
        let prefix: String
        let what: String
        let instead: String
        /// How the nouns of the cmdlets that do the same begin.
        let nouns: [String]

        /// Returns whether a noun is one of this module's: after `AD` another word begins, unlike in `Get-Addins`.
        func fits(_ noun: Substring) -> Bool {
            prefix != "ad" || noun.dropFirst(2).first?.isUppercase ?? false
        }
    }

    private static let graph = "Use the cmdlets of Microsoft Graph (module graph)"

    private static let modules = [
        Module(prefix: "msol", what: "a retired module, MSOnline", instead: graph, nouns: ["Mg"]),
        Module(prefix: "azureadms", what: "a retired module, AzureAD", instead: graph, nouns: ["Mg"]),
        Module(prefix: "azuread", what: "a retired module, AzureAD", instead: graph, nouns: ["Mg"]),
        Module(
            prefix: "azurerm", what: "a retired module, AzureRM", instead: "Use the cmdlets of Az (module azure)",
            nouns: ["Az"]),
        Module(
            prefix: "entrabeta", what: "the module Microsoft.Entra.Beta, which isn't available here", instead: graph,
            nouns: ["MgBeta", "Mg"]),
        Module(
            prefix: "entra", what: "the module Microsoft.Entra, which isn't available here", instead: graph,
            nouns: ["Mg"]),
        Module(
            prefix: "spo", what: "SharePoint's own module, which runs only on Windows",
            instead: "Use the cmdlets of PnP (module pnp)", nouns: ["PnPTenant", "PnP"]),
        Module(
            prefix: "ad", what: "the module of Active Directory, which only machines of its domain can use",
            instead: "Run the script on such a machine, or use the cmdlets of Microsoft Graph (module graph) for what "
                + "is in Entra ID", nouns: ["Mg"]),
    ]
}
