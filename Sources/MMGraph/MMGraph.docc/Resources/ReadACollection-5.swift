import MMGraph
import MMIdentity

let graph = try GraphClient(
    tenant: "contoso.com", clientID: "00000000-0000-0000-0000-000000000000",
    signIn: .certificate(CertificateFiles(certificatePath: "/etc/nightly/app.pem")))
