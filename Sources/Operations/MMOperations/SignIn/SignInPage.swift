import MMIdentity

/// The page on which a person enters a device code.
package enum SignInPage {
    /// Opens the page in the person's browser, if this machine has a desktop or its environment names a browser.
    /// - Parameters:
    ///   - address: the page's URL from the sign-in service.
    ///   - environment: names the browser and desktop.
    /// - Returns: whether a program was started for it.
    package static func open(_ address: String, environment: [String: String]) async -> Bool {
        // Whatever the service returned, only web pages are opened, and only those that can't be altered on the
        // network.
        guard let page = WebAddress(address), !page.hasUserInfo,
            page.scheme == "https" || page.isLoopback
        else { return false }
        return await BrowserOpener(environment: environment).open(address)
    }
}
