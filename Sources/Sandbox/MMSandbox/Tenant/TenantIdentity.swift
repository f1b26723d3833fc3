/// The id and names of the sandbox tenant; the same in every sandbox, so that registry entries stay valid.
package enum TenantIdentity {
    /// The id of the tenant.
    package static let id = "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01"
    /// The default domain.
    package static let domain = "contoso-sandbox.example"
    /// The domain with which the tenant was created.
    package static let initialDomain = "contososandbox.onmicrosoft.com"
    /// The name of the organisation.
    package static let name = "Contoso Sandbox"
    /// The first label of the SharePoint host.
    package static let sharePointHost = "contososandbox"
    /// The account of the demonstrations: a global administrator.
    package static let administrator = "admin@contoso-sandbox.example"
    /// An ordinary account that is not the expected one.
    package static let wrongAccount = "ben.baker@contoso-sandbox.example"
    /// The app of the demonstrations: a public client with every delegated permission.
    package static let demoApp = "5a4db0c5-0000-4000-8000-00000000a001"
    /// A confidential client.
    package static let automationApp = "5a4db0c5-0000-4000-8000-00000000a002"
    /// The secret of the confidential client.
    package static let automationSecret = "sandbox~automation~secret"
    /// A public client with few permissions: it may read mail and one's own profile.
    package static let readerApp = "5a4db0c5-0000-4000-8000-00000000a003"
    /// A disabled app.
    package static let disabledApp = "5a4db0c5-0000-4000-8000-00000000a004"
}
