/// The modules that a session can sign in to.
public enum PowerShellModule: String, Sendable, CaseIterable {
    /// Exchange Online.
    case exchangeOnline = "exo"
    /// Azure resources.
    case azure
    /// Microsoft Teams.
    case teams
    /// SharePoint, with PnP PowerShell.
    case sharePoint = "pnp"
    /// Power Platform, with the program `pac`.
    case powerPlatform = "powerplatform"
    /// Microsoft Graph PowerShell.
    case graph
}
