extension Caller {
    /// A person or app that signed in to this server: what is one's belongs to nobody else.
    package struct Principal: Sendable, Hashable {
        /// What tells them from everybody else, as long as their account lasts: `TENANT/OBJECT`, or issuer and subject.
        package let id: String
        /// A name to show. It decides nothing: others may be able to change it.
        package let name: String?

        /// A principal.
        package init(id: String, name: String?) {
            self.id = id
            self.name = name
        }
    }
}
