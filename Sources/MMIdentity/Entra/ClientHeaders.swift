internal import MMCore
internal import MMHTTP

/// Who asks, as sign-in services want to know it of each library: their operators tell clients apart by these, and serve
/// `Retry-After` to those that say they heed it (as both MSALs send them).
enum ClientHeaders {
    static var all: HTTPHeaders {
        [
            "x-client-SKU": "mm", "x-client-VER": ProductVersion.text, "x-client-OS": "linux",
            "x-client-CPU": processor,
            "x-ms-lib-capability": "retry-after, h429",
        ]
    }

    private static var processor: String {
        #if arch(x86_64)
            "x64"
        #elseif arch(arm64)
            "arm64"
        #else
            "other"
        #endif
    }
}
