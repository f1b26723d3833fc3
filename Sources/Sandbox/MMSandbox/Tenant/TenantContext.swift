internal import MMCore

/// The context shared by all services of a tenant: its base URL, its time, and the source of its content.
final class TenantContext {
    let options: SandboxOptions
    /// The base URL of the sandbox, without a trailing slash.
    var base: String
    let mixing: Mixing

    init(options: SandboxOptions, base: String) {
        self.options = options
        self.base = base
        mixing = Mixing(seed: options.seed)
    }

    /// The identity of the tenant.
    var organization: SandboxOrganization { options.organization }

    /// The current time of the services, in seconds since 1970.
    var now: Int64 { options.clock.now.seconds }
}
