$connect = @{
    TenantId = 'contoso-sandbox.example'
    Scopes   = 'User.Read.All', 'Organization.Read.All'
}
Connect-MgGraph @connect | Out-Null
$org = Get-MgOrganization
$org.VerifiedDomains | Select-Object Name, IsDefault
$context = Get-MgContext
Write-Host "Signed in to $($context.TenantId)"
