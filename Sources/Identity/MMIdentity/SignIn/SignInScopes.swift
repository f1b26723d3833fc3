internal import MMCore

/// The scopes that a sign-in and a refresh request: `.default` of one resource, that is, everything the app was granted
/// there.
///
/// A fixed list of Graph permissions would make everyone consent to writing mail and files, even for an app that was
/// registered to read users, and fails (AADSTS65001, 90094) in tenants where only administrators consent. With
/// `.default` the registration decides, and permissions that a person granted earlier still apply. The two can't be
/// mixed in one request (AADSTS70011), and each request is for one resource (AADSTS700022).
enum SignInScopes {
    /// The scopes of every request: for an id_token, a name in it, and a refresh token. MSAL sends the same three.
    static let always = ["offline_access", "openid", "profile"]

    /// Returns the scopes of a sign-in or refresh for a resource.
    static func asking(_ cloud: Cloud, _ resource: ServiceResource) -> [String] {
        (cloud.defaultScope(of: resource).map { [$0] } ?? []) + always
    }
}
