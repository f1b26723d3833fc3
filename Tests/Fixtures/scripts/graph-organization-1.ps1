if (-not (Get-MgContext)) {
    Connect-MgGraph -TenantId "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01" -Scopes "Reports.Read.All"
}
$org = Get-MgOrganization
$org.VerifiedDomains | Select-Object Name, IsDefault
$context = Get-MgContext
Write-Host "Signed in to $($context.TenantId)"
Disconnect-MgGraph | Out-Null
