import MMIdentity

/// The page on which a person enters a code.
package enum SignInPage {
    /// Opens the page in the person's browser, where this machine has a desktop or names a browser.
    /// - Parameters:
    ///   - address: the page, as the sign-in service names it.
    ///   - environment: names browser and desktop.
    /// - Returns: whether a program was started for it.
    package static func open(_ address: String, environment: [String: String]) async -> Bool {
        // Whatever a service may say: only a page, and only one that no neighbour in the network can change.
        guard let page = WebAddress(address), !page.hasUserInfo,
            page.scheme == "https" || page.isLoopback
        else { return false }
        return await BrowserOpener(environment: environment).open(address)
    }
}
