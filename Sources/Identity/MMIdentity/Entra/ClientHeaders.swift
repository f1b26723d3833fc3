internal import MMCore
internal import MMHTTP

/// The headers that identify the client library to sign-in services, as both MSALs send them. Operators use them to
/// tell clients apart, and `Retry-After` is sent only to clients that declare support for it.
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
