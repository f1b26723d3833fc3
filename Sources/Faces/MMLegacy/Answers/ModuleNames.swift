import MMPowerShell

/// The modules as the earlier servers' routes name them; case-sensitive.
package enum ModuleNames {
    /// Returns whether a module with this name exists.
    package static func isKnown(_ name: String) -> Bool { ModuleProfiles.all.contains { $0.name == name } }
}
