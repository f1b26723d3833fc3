internal import MMCore

/// Which scopes a sign-in and a refresh ask for: `.default` of one resource, that is all that the app was granted there.
///
/// A fixed list of Graph permissions by name would make everybody consent to writing mail and files, also for an app that was
/// registered to read users, and fails outright (AADSTS65001, 90094) in tenants where only administrators consent. With
/// `.default` the registration decides, and what a person granted by name earlier still counts. The two may not be mixed in
/// one request (AADSTS70011), and one request is for one resource (AADSTS700022).
enum SignInScopes {
    /// What goes with every request: an id_token, a name in it, and a refresh token. MSAL sends the same three.
    static let always = ["offline_access", "openid", "profile"]

    /// The scopes of a sign-in or refresh for a resource.
    static func asking(_ cloud: Cloud, _ resource: ServiceResource) -> [String] {
        (cloud.defaultScope(of: resource).map { [$0] } ?? []) + always
    }
}
