/// The sign-ins that a session may make by itself.
package struct SignInRules: Sendable {
    /// The tenants whose sign-in paths it may use, by id and domain, in lower case; those of an admitted account are
    /// added.
    package var tenants: Set<String>
    /// Returns the number of the sign-in that the pool has started in the session; `nil` if none is in progress.
    package var current: @Sendable () -> Int?

    /// Creates rules; the default permits no sign-in.
    package init(tenants: Set<String> = [], current: @escaping @Sendable () -> Int? = { nil }) {
        self.tenants = tenants
        self.current = current
    }
}
