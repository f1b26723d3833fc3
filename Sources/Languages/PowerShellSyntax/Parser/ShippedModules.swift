/// The modules that come with PowerShell 7.6 itself, so that they exist in every session.
enum ShippedModules {
    private static let names: Set<String> = [
        "microsoft.powershell.archive", "microsoft.powershell.host", "microsoft.powershell.management",
        "microsoft.powershell.psresourceget", "microsoft.powershell.security", "microsoft.powershell.utility",
        "packagemanagement", "powershellget", "psreadline", "threadjob", "microsoft.powershell.threadjob",
    ]

    static func contains(_ name: String) -> Bool { names.contains(ASCIIFold.lowercased(name)) }
}
