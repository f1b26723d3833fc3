/// Which sign-ins a session may make by itself.
package struct SignInRules: Sendable {
    /// The tenants whose sign-in paths it may use, by id and domain, in lower case; those of an account that was admitted are
    /// added.
    package var tenants: Set<String>
    /// The number of the sign-in that the pool has started in the session; nil while none is under way.
    package var current: @Sendable () -> Int?

    /// Rules; by themselves they let nothing sign in.
    package init(tenants: Set<String> = [], current: @escaping @Sendable () -> Int? = { nil }) {
        self.tenants = tenants
        self.current = current
    }
}
