import MMPowerShell

/// The modules as the earlier servers' routes name them: exactly, case counts.
package enum ModuleNames {
    /// Whether sessions exist for a module.
    package static func isKnown(_ name: String) -> Bool { ModuleProfiles.all.contains { $0.name == name } }
}
