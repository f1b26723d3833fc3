internal import MMCore

/// What every service of a tenant knows: where the tenant is reached, what time it is there, what its content is made from.
final class TenantContext {
    let options: SandboxOptions
    /// Where the sandbox is reached, without a final slash.
    var base: String
    let mixing: Mixing

    init(options: SandboxOptions, base: String) {
        self.options = options
        self.base = base
        mixing = Mixing(seed: options.seed)
    }

    /// Which tenant it is.
    var organization: SandboxOrganization { options.organization }

    /// Seconds since 1970, by the clock of the services.
    var now: Int64 { options.clock.now.seconds }
}
