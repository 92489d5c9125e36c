package cluster

import (
	storagev1 "k8s.io/api/storage/v1"
)

// Claims returns every PersistentVolumeClaim.
func (s *Snapshot) Claims() []*Claim { return s.claims.items }

// Claim returns the PersistentVolumeClaim of that name, or nil.
func (s *Snapshot) Claim(namespace, name string) *Claim {
	return s.claims.get(namespace, name)
}

// StorageClasses returns every StorageClass.
func (s *Snapshot) StorageClasses() []*storagev1.StorageClass { return s.storageClasses }
